"""One side of a case in Python (run.lua): side.py CODE.py INPUT.npy..."""
import sys
import time

import numpy as np

names = {}
exec(open(sys.argv[1]).read(), names)
try:
    work, check = names["setup"](*map(np.load, sys.argv[2:]))
except ImportError as error:
    print("missing", error, flush=True)
    sys.exit()

print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    work()
    print("%.9f" % (time.perf_counter() - start))
    print(*("%.17g" % x for x in check()), flush=True)
