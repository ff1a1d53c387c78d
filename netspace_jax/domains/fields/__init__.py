"""Networks that hold fields: a shape as signed distances, a picture, or a signal."""
