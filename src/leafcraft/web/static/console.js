// What the console does besides: everything works without it.
