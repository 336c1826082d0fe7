"""WHAT WATCHES: rules and dashboards come here with the first alert."""
