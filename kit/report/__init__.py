"""The report: `python -m kit report` builds slides in PDF and PowerPoint from writeup.md and the exported figures."""
