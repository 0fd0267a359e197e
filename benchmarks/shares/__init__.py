"""What benchmarks/layers.py is made of: rows, bars, and who measures and shows them."""
