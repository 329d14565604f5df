"""One thread per process for numpy's BLAS: our matrices are small, and on a busy machine threads wait for each other.

Measured at a load of 20 on two cores: 40 seconds for what one thread does in 2. To be said before numpy is imported.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
