# Runs a program that ends when the process does which holds the other end of descriptor 3: keeper.sh FILES PROGRAM...
# FILES is how many files the program may open, 0 for as many as now. Says nothing, and returns what the program does.

if [ "$1" != 0 ] && (ulimit -S -n "$1") 2>/dev/null; then ulimit -S -n "$1"; fi
shift
exec 4<&0
exec "$@" <&4 3<&- 4<&- &
child=$!
exec 0</dev/null 1>/dev/null 2>/dev/null 4<&- # only the child holds them now, so their ends show

# A word is our leave: the child has ended by itself. Without one the process has ended that wanted the child.
read -r word <&3 || kill -KILL $child
wait $child
