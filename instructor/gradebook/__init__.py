"""From the marks of code and report to a gradebook: who is who, what is late, the sums, and what each of them gets."""
