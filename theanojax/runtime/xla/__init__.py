"""From a stage of a plan to an executable, and how it is called."""
