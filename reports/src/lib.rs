//! Run directories become statistics, charts, pages and verdicts.
