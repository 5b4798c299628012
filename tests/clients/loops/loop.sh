# Repeats a command until the file in the last argument exists; stops at the first failure.
for last; do :; done
# The arguments before the last one are the command.
count=$#
while [ "$count" -gt 1 ]; do
    set -- "$@" "$1"
    shift
    count=$((count - 1))
done
shift
until [ -e "$last" ]; do
    "$@" >/dev/null || exit
done
