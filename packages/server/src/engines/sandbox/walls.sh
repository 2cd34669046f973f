# The first process inside the walls: makes a root of what the program may see, leaves the host's behind, starts the
# program and waits for it. When it ends, the kernel ends everything else in its process namespace.
#
# Arguments: <root> <own-proc|no-proc> <processes, 0 for no bound> <table of mounts> <count> folders… <count> files… command…
# Folders and files are relative to <root>. Errors go to descriptor 3, which says `ready` (by program.sh) when all went well.
exec 4>&2 2>&3
set -e

# The kernel takes these before the server when memory runs out.
echo 1000 > /proc/self/oom_score_adj || :

root=$1 proc=$2 processes=$3 table=$4 count=$5
shift 5

[ "$processes" = 0 ] || echo "$processes" > /proc/sys/kernel/pid_max || :

mount -n -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$root"
cd "$root"

# A shell cannot slice its arguments: this spells "${1}" "${2}" …, and only numbers are evaluated.
names= i=0
while [ "$i" -lt "$count" ]; do
  i=$((i + 1))
  names="$names \"\${$i}\""
done
eval "mkdir -p -- $names"
shift "$count"

count=$1
shift
while [ "$count" -gt 0 ]; do
  : > "$1"
  shift
  count=$((count - 1))
done

# One program mounts all: a program a mount would cost more than everything else.
printf '%s' "$table" > .mounts
mount -n -a -T "$root/.mounts"
: > .mounts

mount -n -o remount,bind,ro "$root"

# From here the host's files have no name any more. Its settings of the kernel stay underfoot until program.sh leaves them.
cd /proc/sys
pivot_root "$root" "$root"
umount -n -l /
# The host's /proc was there for umount alone, which does nothing without.
[ "$proc" = own-proc ] || umount -n -l /proc

# This shell lets go of the program's streams, so that their ends are seen outside. (A shell gives no input to what it
# starts in the background, hence the detour by 5.)
exec 5<&0
"$@" <&5 5<&- &
exec 0< /dev/null 1> /dev/null 2> /dev/null 3>&- 4>&- 5<&-
cd /
set +e
wait "$!"
exit "$?"
