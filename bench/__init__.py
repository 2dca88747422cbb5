"""The bench: roadie beside other ways of doing the same job, on throwaway hosts."""
