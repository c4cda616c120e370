from __future__ import annotations

import os

# Minutes of random work: only for those who say how many seconds, as RECONCILER_SOAK=600.
collect_ignore_glob = [] if os.environ.get("RECONCILER_SOAK") else ["test_*.py"]
