# What `cmake --install` copies: a tree that works wherever it is moved.
