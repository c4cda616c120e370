"""What older versions of reconciler did, as programs for `python -c`."""

# A control client with pipes, and nothing that ends it with its command, which is killed at its work.
OLDER = """
import os, signal, subprocess, sys
pipe = subprocess.PIPE
holder = ["-C", "new-session", "-s", f"_reconciler-{os.getpid()}-0123abcd", "--", "sleep", "3600"]
client = subprocess.Popen(
    ["tmux", "-u", "-S", sys.argv[1], *holder], bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0
)
while b"%session-changed" not in os.read(client.stdout.fileno(), 65536):
    pass
for i in range(40):
    client.stdin.write(f"new-session -d -P -s s{i} sleep 1000\\n".encode())
print(client.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
