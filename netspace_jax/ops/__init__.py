"""What the machine is good at: convolutions, a fast sine, permutations, meshes of devices."""
