"""What the service costs, measured: `make bench`. Figures are ratios of one run; a machine is shared and noisy."""
