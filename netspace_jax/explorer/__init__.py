"""The explorer: a space as a map in one HTML file, whose networks are decoded and run in the browser.

`page` makes the file, `programs` what runs in it, `packing` the arrays in it; the JavaScript of each lies beside it
under the same name. `view` is what a domain tells of its networks; the script that draws them lies with the domain.
"""
