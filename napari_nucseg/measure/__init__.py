"""From labels to numbers."""

from .differences import FIRST_ONLY, OTHER_OUTLINE, SECOND_ONLY, Differences, differences
from .export import export_labels
from .exports import FORMATS
from .measurements import measure_image, measure_nuclei
from .metrics import Scores, match_counts, summarize
from .outlines import polygons_of_labels
from .outputs import LINEAGE_ENDING, TABLE_ENDING, TRACKS_ENDING, Outputs
from .paired import Outcomes, interval_of_difference, outcomes_of, pooled_mean_ap
from .recipe import MeasureRecipe
from .report import ReportEntry, report_entry, write_report
from .sources import LABEL_AXES
from .summary import Measurement
from .table import MICROMETERS, Pixel
from .table_file import TABLE_SUFFIXES, check_table_path, write_measurements
from .track_files import write_tracks

__all__ = [
    "FIRST_ONLY",
    "FORMATS",
    "LABEL_AXES",
    "LINEAGE_ENDING",
    "MICROMETERS",
    "OTHER_OUTLINE",
    "SECOND_ONLY",
    "TABLE_ENDING",
    "TABLE_SUFFIXES",
    "TRACKS_ENDING",
    "Differences",
    "MeasureRecipe",
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
    "match_counts",
    "measure_image",
    "measure_nuclei",
    "outcomes_of",
    "polygons_of_labels",
    "pooled_mean_ap",
    "report_entry",
    "summarize",
    "write_measurements",
    "write_report",
    "write_tracks",
]
