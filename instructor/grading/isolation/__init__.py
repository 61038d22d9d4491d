"""Running a student's modules in another process, which is given inputs, gives back tensors, and sees nothing else."""
