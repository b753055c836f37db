# A step that never ends.
touch "$1/begun"
exec sleep 600
