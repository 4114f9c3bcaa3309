"""What is in a table file, without knowing the domain: read in a limited process of its own, written as Parquet."""
