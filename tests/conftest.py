"""What makes tests hold on a busy machine: nothing is timed, and processes do not fight for the cores.

One thread per process for numpy's BLAS: our matrices are small, and threads wait for each other. Measured at a load of
20 on two cores: 40 seconds for what one thread does in 2. To be said before numpy is imported.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
