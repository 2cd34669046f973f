# Takes away what the program may not have more of, says so, and becomes the program.
#
# Descriptor 4 is its standard error; what goes wrong before it begins goes to descriptor 3.
#
# Arguments: <folder, empty without walls> <KiB of data> <512-byte blocks a file> <processes, 0 for no bound> command…
# A bound that is lower already stays: a shell may not raise it, and does not need to.
folder=$1 data=$2 blocks=$3 processes=$4
shift 4

if [ -n "$folder" ]; then
  # Behind walls this begins in /proc/sys, where `user` is that of the own namespace. No more of them within: half of the
  # kernel's privilege bugs begin there.
  echo 0 > user/max_user_namespaces || :
  cd "$folder" || exit 1
else
  echo 1000 > /proc/self/oom_score_adj || :
fi

ulimit -c 0 || :
ulimit -d "$data" || :
ulimit -f "$blocks" || :
ulimit -n 512 || :
# dash and BusyBox call it -p, bash -u.
[ "$processes" = 0 ] || ulimit -p "$processes" || ulimit -u "$processes" || :

# Nobody listens when the server has died meanwhile.
echo ready >&3 || exit 1
exec 2>&4 3>&- 4>&-
exec "$@"
