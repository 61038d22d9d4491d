"""What runs inside Gradescope's container: setup.sh once, run_autograder for every submission."""
