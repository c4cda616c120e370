# Run a program, and kill it when the process that has the other end of descriptor 3 ends: keeper.sh FILES PROGRAM...
# FILES is how many files the program may open; 0 keeps the present limit. Prints nothing. Exits like the program.

if [ "$1" != 0 ] && (ulimit -S -n "$1") 2>/dev/null; then ulimit -S -n "$1"; fi
shift
exec 4<&0
exec "$@" <&4 3<&- 4<&- &
child=$!
exec 0</dev/null 1>/dev/null 2>/dev/null 4<&- # only the child has the pipes now, so their other ends notice its end

# A line means that the child has ended by itself. End of file means that our process has ended: kill the child.
read -r word <&3 || kill -KILL $child
wait $child
