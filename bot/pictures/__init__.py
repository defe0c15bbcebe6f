"""Line drawings beside choices on the web page, and which choice has which."""
