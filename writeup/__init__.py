"""The report: `python -m writeup` builds slides in PDF and PowerPoint from writeup.md and the exported figures."""
