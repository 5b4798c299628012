# Runs a command again and again until the file exists that the last argument names; ends with its first failure.
for last; do :; done
# The words before the last one are the command.
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
