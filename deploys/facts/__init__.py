"""What a host is: one program that runs there in one SSH exec, and the pyinfra fact that holds its answer."""
