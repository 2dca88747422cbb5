CODE = "0"
