"""Who sends which task: the graph of a project, whatever form it is shown in."""
