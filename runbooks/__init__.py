"""What a person does when woken: one Markdown file each, and the actions that their steps name."""
