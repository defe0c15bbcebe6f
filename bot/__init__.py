"""The shell: clocks, sockets and processes live here, and nowhere else."""
