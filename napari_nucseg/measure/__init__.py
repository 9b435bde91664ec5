"""From labels to numbers."""

from .differences import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, Differences, differences
from .export import export_labels
from .exports import FORMATS
from .measurements import measure_image, measure_nuclei
from .metrics import Scores, match_counts, summarize
from .outputs import LINEAGE_ENDING, TABLE_ENDING, TRACKS_ENDING, Outputs
from .paired import Outcomes, interval_of_difference, outcomes_of, pooled_mean_ap
from .report import ReportEntry, report_entry, write_report
from .summary import Measurement
from .table import Pixel
from .table_file import TABLE_SUFFIXES, check_table_path, join_tables, write_table
from .track_files import write_tracks

__all__ = [
    "FIRST_ONLY",
    "FORMATS",
    "LINEAGE_ENDING",
    "OTHER_OUTLINE",
    "SECOND_ONLY",
    "TABLE_ENDING",
    "TABLE_SUFFIXES",
    "TRACKS_ENDING",
    "Differences",
    "Measurement",
    "Outcomes",
    "Outputs",
    "Pixel",
    "ReportEntry",
    "Scores",
    "check_table_path",
    "differences",
    "export_labels",
    "interval_of_difference",
    "join_tables",
    "match_counts",
    "measure_image",
    "measure_nuclei",
    "outcomes_of",
    "pooled_mean_ap",
    "report_entry",
    "summarize",
    "write_report",
    "write_table",
    "write_tracks",
]
