# Sourced by findings about Python itself, after common.bash: Debian's Python, as $cpython.

debian {,lib}python3.11-minimal=3.11.2-6+deb12u9 libpython3.11-stdlib=3.11.2-6+deb12u9
cpython=$folder/usr/bin/python3.11
