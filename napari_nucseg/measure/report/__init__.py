"""A report of measured images: one HTML file that opens without a network."""

from .entry import ReportEntry, report_entry
from .page import write_report

__all__ = ["ReportEntry", "report_entry", "write_report"]
