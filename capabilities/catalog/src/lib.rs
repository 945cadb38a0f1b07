//! Sources and the catalogue of resources.
