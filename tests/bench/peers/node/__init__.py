"""A node of django-pyas2 as its own environment runs it; imported by no code of ours."""
