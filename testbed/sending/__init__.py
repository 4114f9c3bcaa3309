"""``testbed upload``: result files sent from anywhere to a service elsewhere, of which it knows nothing but addresses."""
