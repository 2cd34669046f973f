# Takes away what the program may not have more of, says so, and becomes the program.
#
# Descriptor 4 is its standard error; what goes wrong before it begins goes to descriptor 3.
#
# Arguments: <KiB of data> <512-byte blocks a file> <processes, 0 for no bound> command…
# A bound that is lower already stays: a shell may not raise it, and does not need to.
data=$1 blocks=$2 processes=$3
shift 3

# No namespaces within this one: half of the kernel's privilege bugs begin there. Only the walls have this file.
[ ! -e /dev/max_user_namespaces ] || echo 0 > /dev/max_user_namespaces || :

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
