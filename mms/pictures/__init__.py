"""What a JPEG, a PNG or a BMP says of itself, read before MXNet decodes it.

MXNet 1.9.1 makes room for a PNG, or a JPEG with a JFIF head, by the size in its head, and has
OpenCV decode into it. Where OpenCV cannot make out the head it touches nothing and tells nobody:
the picture is then whatever was in memory. So the heads are read here by the rules of libpng 1.6
and libjpeg-turbo 2.0, and a picture is decoded only if they will take it. What is wrong behind
the head they do report.
"""
