"""The bench compares roadie with other ways of doing the same job, on throwaway hosts."""
