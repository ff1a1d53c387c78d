"""Data: images (scikit-learn's digits, TFDS, local files), shapes, augmentation."""
