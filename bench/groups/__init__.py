"""How often the intervals hold where items come in groups, such as the images of patients."""
