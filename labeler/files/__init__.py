"""Bytes enter: tables, folders, images, scans. Rows, pixels and pictures for the browser leave."""
