"""What surrounds the lessons: the classroom PACS, the exercises, the viewer."""
