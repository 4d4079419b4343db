-- Lints the rulebook. Redis gives a script these globals and no others; `require` is what the engines assemble it with.
std = { read_globals = { "require", "math", "string", "table", "ipairs" } }
max_line_length = 400
unused_args = true
