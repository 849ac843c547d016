"""DICOM as JSON, as XML and as files: data sets, attributes, tags and names."""
