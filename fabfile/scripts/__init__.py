"""The table of stages, and the templates of scripts with their values filled in and quoted."""
