"""How fast the scan kernels are, beside other forms of the same scan and the hardware's floors."""
