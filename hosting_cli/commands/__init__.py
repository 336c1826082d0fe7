"""One module per noun: parse, call, return a result; nothing here prints or decides."""
