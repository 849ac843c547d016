"""The classroom PACS: an embedded DICOMweb server over a folder of DICOM files."""
